/** Figures in sentences. */

/** `one` counted: 1 run, 2 runs. */
export function many(count: number, one: string, several = `${one}s`): string {
  // Counts are told whole, other figures rounded.
  const shown = Number.isInteger(count) ? String(count) : round(count)
  return `${shown} ${shown === '1' ? one : several}`
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

export function round(value: number): string {
  return String(Number(value.toPrecision(4)))
}
