/** A dense column block (docs/column-block.md) of made-up series, written by hand. */
export function blockOf(
  times: readonly number[],
  series: number,
  value: (row: number, column: number) => number,
): Uint8Array {
  const block = Buffer.alloc(16 + times.length * 8 + series * 16 + times.length * series * 8)
  block.writeUInt8(1, 0)
  ;[times.length, series, times.length * series].forEach((figure, i) => block.writeUInt32LE(figure, 4 + i * 4))
  let at = 16
  for (const time of times) at = block.writeBigInt64LE(BigInt(time), at)
  for (let column = 0; column < series; column++, at += 16) block.writeUInt32LE(column + 1, at)
  for (let row = 0; row < times.length; row++)
    for (let column = 0; column < series; column++) at = block.writeDoubleLE(value(row, column), at)
  return block
}
