/** Beyond this the sum over all coalitions takes longer than a prediction may. */
const PLAYERS_MAX = 7

/**
 * Exact Shapley values: the share of each player in `value(all) − value(none)`, which they add up to.
 * `value` gets the coalition as bits, player 0 the lowest; it is called once for each of the 2^players coalitions.
 * L. S. Shapley, A value for n-person games (1953): the mean over all orders of what a player adds to those before it.
 */
export function shapleyValues(players: number, value: (present: number) => number): Float64Array {
  if (players > PLAYERS_MAX) throw new RangeError(`${players} players, at most ${PLAYERS_MAX}`)
  const values = Float64Array.from({ length: 2 ** players }, (_, present) => value(present))
  // |S|! (n − |S| − 1)! / n! for a coalition S that a player joins.
  const weights = Array.from(
    { length: players },
    (_, size) => (factorial(size) * factorial(players - size - 1)) / factorial(players),
  )
  return Float64Array.from({ length: players }, (_, player) => {
    const own = 1 << player
    return values.reduce((sum, alone, others) => {
      if ((others & own) !== 0) return sum
      return sum + (weights[bitsOf(others)] ?? 0) * ((values[others | own] ?? 0) - alone)
    }, 0)
  })
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))

function bitsOf(set: number): number {
  let count = 0
  for (let rest = set; rest !== 0; rest &= rest - 1) count++
  return count
}
