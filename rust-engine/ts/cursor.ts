/** Cursors of the engine's lists, as the key of the last record looked at, in hex; keys begin with what orders the list. */

/** Lists by time: every record with a later time has been looked at. Source: `newest_first` of the crate store. */
export function timeOfCursor(cursor: string): number {
  return Number(BigInt.asIntN(64, ~BigInt(`0x${cursor.slice(0, 16)}`) ^ (1n << 63n)))
}

/** Lists by name: the cursor that goes on after these bytes, whether a record has this name or not. */
export function cursorAfterName(name: Uint8Array): string {
  return Buffer.from(name).toString('hex')
}
