import { normal } from '../models/random.ts'
import type { Random } from '../models/random.ts'

const DAY = 24
const WEEK = 168

/**
 * One hourly series as operations see them: a daily shape that drifts, weekends, trend, wandering level, shifts, noise that grows
 * with the load, single spikes, gaps (NaN). Each ingredient is there or not by chance, over orders of magnitude: the
 * model shall meet every mixture before it meets a real one.
 */
export function syntheticSeries(random: Random, hours: number): Float64Array {
  const season = dailySeason(random, hours)
  const week = weekPattern(random)
  const level = wanderingLevel(random, hours)
  const noise = coloredNoise(random, hours)
  const multiplicative = random() < 0.5
  const start = Math.floor(random() * WEEK)
  const size = logBetween(random, 1, 1e7)
  const offset = logBetween(random, 2, 60)

  const values = new Float64Array(hours)
  for (let t = 0; t < hours; t++) {
    const { lift, shape } = week((t + start) % WEEK)
    const load = (level[t] as number) + lift + shape * (season[t] as number)
    const restless = multiplicative ? Math.max(0.2, 1 + load / offset) : 1
    values[t] = size * (offset + load + restless * (noise[t] as number))
  }
  addSpikes(random, values, size)
  addGaps(random, values)
  return values
}

const between = (random: Random, low: number, high: number): number => low + (high - low) * random()
const logBetween = (random: Random, low: number, high: number): number =>
  Math.exp(between(random, Math.log(low), Math.log(high)))

/** A few harmonics, or a working day's plateau; its height changes slowly from day to day and sometimes it comes early or late. */
function dailySeason(random: Random, hours: number): Float64Array {
  const height = random() < 0.12 ? 0 : logBetween(random, 0.3, 4)
  const shape = random() < 0.3 ? plateau(random) : harmonics(random)
  const restless = logBetween(random, 0.01, 0.35)
  const late = random() < 0.3 ? logBetween(random, 0.1, 1.5) : 0
  const season = new Float64Array(hours)
  let change = 0
  let today = 1
  let delay = 0
  let nextDelay = 0
  for (let t = 0; t < hours; t++) {
    if (t % DAY === 0) {
      change = 0.7 * change + restless * normal(random)
      delay = nextDelay
      nextDelay = late * normal(random)
    }
    const hour = t % DAY
    today += 0.15 * (Math.exp(change) - today)
    season[t] = height * today * shape(hour + delay + ((nextDelay - delay) * hour) / DAY)
  }
  return season
}

function harmonics(random: Random): (hour: number) => number {
  const waves = [1, 2, 3, 4, 6].map((frequency) => ({
    frequency,
    height: (normal(random) * Math.SQRT2) / frequency ** between(random, 0.6, 1.6),
    phase: random() * 2 * Math.PI,
  }))
  return (hour) =>
    waves.reduce(
      (sum, { frequency, height, phase }) => sum + height * Math.cos((2 * Math.PI * frequency * hour) / DAY + phase),
      0,
    )
}

function plateau(random: Random): (hour: number) => number {
  const middle = random() * DAY
  const half = between(random, 1, 7)
  const edge = between(random, 0.2, 1.5)
  return (hour) => {
    const away = Math.abs(((((hour - middle) % DAY) + DAY + DAY / 2) % DAY) - DAY / 2)
    return 2 / (1 + Math.exp((away - half) / edge)) - 0.8
  }
}

/** Level and height of the daily shape by the hour of the week. */
function weekPattern(random: Random): (hour: number) => { lift: number; shape: number } {
  if (random() < 0.35) return () => ({ lift: 0, shape: 1 })
  const rest = between(random, -0.2, 1.1)
  const sink = between(random, 0, 1.5)
  const spread = random() < 0.4 ? logBetween(random, 0.05, 0.8) : 0
  const days = Array.from({ length: 7 }, (_, day) => ({
    lift: (day >= 5 ? -sink : 0) + spread * normal(random),
    shape: (day >= 5 ? rest : 1) * Math.exp(0.3 * spread * normal(random)),
  }))
  const at = (day: number) => days[day % 7] ?? { lift: 0, shape: 1 }
  return (hour) => {
    const day = Math.floor(hour / DAY)
    // Days flow into each other over their last hours.
    const mix = Math.max(0, (hour % DAY) - (DAY - 4)) / 4
    const [today, next] = [at(day), at(day + 1)]
    return {
      lift: today.lift + mix * (next.lift - today.lift),
      shape: today.shape + mix * (next.shape - today.shape),
    }
  }
}

/** Trend, a random walk that may be drawn back to its middle, and rare shifts that stay or pass. */
function wanderingLevel(random: Random, hours: number): Float64Array {
  const slope = random() < 0.4 ? (normal(random) * logBetween(random, 0.05, 2)) / WEEK : 0
  const step = random() < 0.75 ? logBetween(random, 0.01, 0.35) : 0
  const back = random() < 0.5 ? logBetween(random, 0.003, 0.1) : 0
  const shiftChance = random() < 0.35 ? logBetween(random, 0.5, 4) / 672 : 0
  const level = new Float64Array(hours)
  let walk = 0
  let shifted = 0
  let passing = 1
  for (let t = 0; t < hours; t++) {
    walk += step * normal(random) - back * walk
    if (random() < shiftChance) {
      shifted = normal(random) * logBetween(random, 0.5, 4)
      passing = random() < 0.4 ? between(random, 0.9, 0.99) : 1
      if (passing === 1) {
        walk += shifted
        shifted = 0
      }
    }
    shifted *= passing
    level[t] = walk + shifted + slope * t
  }
  return level
}

function coloredNoise(random: Random, hours: number): Float64Array {
  const strength = logBetween(random, 0.02, 0.9)
  const memory = random() < 0.3 ? 0 : between(random, 0.2, 0.95)
  const heavy = random() < 0.3
  const fresh = strength * Math.sqrt(1 - memory * memory)
  const noise = new Float64Array(hours)
  let last = 0
  for (let t = 0; t < hours; t++) {
    const shock = normal(random) * (heavy && random() < 0.06 ? 4 : 1)
    last = memory * last + fresh * shock
    noise[t] = last
  }
  return noise
}

function addSpikes(random: Random, values: Float64Array, size: number): void {
  if (random() > 0.2) return
  const chance = logBetween(random, 1, 20) / 672
  for (let t = 0; t < values.length; t++)
    if (random() < chance) values[t] = (values[t] as number) + size * logBetween(random, 0.5, 5)
}

function addGaps(random: Random, values: Float64Array): void {
  if (random() > 0.2) return
  const chance = logBetween(random, 0.5, 6) / 672
  for (let t = DAY; t < values.length; t++)
    if (random() < chance) values.fill(NaN, t, t + Math.ceil(logBetween(random, 1, 30)))
}
