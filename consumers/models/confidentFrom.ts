/** From which probability on a model may call its answers confident: learnt from answers whose outcome it had not seen. */

/** So many confident answers are to be right. */
const RIGHT_WANTED = 0.92
/** Fewer answers tell nothing of so high a share. */
const ANSWERS_MIN = 100
/** Fewer sure answers, all of them right, may be luck. */
const SURE_MIN = 30
/** Any answer is at least so probable: leaves the configured threshold alone to decide. */
export const ANY_ANSWER = 0.5

/**
 * The lowest bound on max(p, 1 − p) from which on RIGHT_WANTED of the answers were right; 1, which no answer reaches, where there is
 * none; ANY_ANSWER where too few are known. `p`: probability of success.
 */
export function confidentFrom(answers: readonly { readonly p: number; readonly success: boolean }[]): number {
  if (answers.length < ANSWERS_MIN) return ANY_ANSWER
  const sure = answers.map(({ p, success }) => ({ by: Math.max(p, 1 - p), isRight: p >= 0.5 === success }))
  sure.sort((a, b) => b.by - a.by)
  let [right, bound] = [0, 1]
  sure.forEach(({ by, isRight }, i) => {
    if (isRight) right++
    const all = i + 1
    // Answers of one probability are confident together or not at all.
    if (all >= SURE_MIN && sure[all]?.by !== by && right >= RIGHT_WANTED * all) bound = by
  })
  return bound
}
