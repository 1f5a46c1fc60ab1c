/** CPU time of a peer for a question that we were asked: the whole request, parsing and JSON included. */
import { cpuSeconds } from '../cpu.ts'
import { median } from '../quantiles.ts'
import { sameNumbers } from './compare.ts'
import type { Asked, HandedOver } from './harness.ts'
import { METRIC, type Peer, type Place, type Served } from './peer.ts'
import { steps } from './promQl.ts'

const ROUNDS = 5
const WARM_UP = 5
/** A round is long beside the 10 ms in which the system counts. */
const ROUND_CPU_SECONDS = 0.5

/** In seconds of CPU. */
export async function cpuOfQuery(peer: Peer, { target, asked, key }: HandedOver, place: Place): Promise<number> {
  let seconds = NaN
  await peer.hold([target], place, async (served) => {
    const ask = () => answer(served, asked)
    sameNumbers(peer.name, `${key}, step`, await ask(), asked.answer)
    const estimate = await perQuery(served, WARM_UP, ask)
    const repeats = Math.max(WARM_UP, Math.ceil(ROUND_CPU_SECONDS / Math.max(estimate, 0.001)))
    const rounds: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await perQuery(served, repeats, ask))
    seconds = median(rounds)
  })
  return seconds
}

/** Ours has the samples of [t, t + step) at t; theirs the samples of (t − step, t] at t. Times are whole ms. */
function answer(served: Served, { question, from, to, step }: Asked): Promise<readonly number[]> {
  switch (question) {
    case 'averageOfFirst':
      return steps(served, `avg_over_time(${METRIC}{series="0"}[${step}ms])`, from + step - 1, to - 1, step)
    case 'sumOfAll':
      // A sample stands at the start of each step, and no other in it.
      return steps(served, `sum(${METRIC})`, from, to - step, step)
  }
}

async function perQuery({ pid }: Served, repeats: number, ask: () => Promise<unknown>): Promise<number> {
  const before = cpuSeconds(pid)
  for (let n = 0; n < repeats; n += 1) await ask()
  return (cpuSeconds(pid) - before) / repeats
}
