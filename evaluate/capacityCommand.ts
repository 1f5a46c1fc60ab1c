import { Command } from 'commander'

import { chooseBackend } from '../consumers/models/backend.ts'
import { evaluateCapacity } from './capacity.ts'

const NATIVE_FOLDER = '.native/tfjs-node'

/** `evaluate capacity`: learns a forecaster, then forecasts every judged day of the replayed series. Throws CommanderError. */
export async function evaluateCapacityCommand(args: readonly string[]): Promise<void> {
  const command = new Command('npm run -s evaluate -- capacity')
    .description('24-hour forecasts of hourly means, as JSON Lines')
    .option('--history <path...>', 'earlier parts of the series: CSV files (.gz) or folders', [])
    .requiredOption('--replay <path...>', 'later parts; the last days of each series are forecast')
    .requiredOption('--out <file>', 'where the forecasts go')
    .option('--seed <number>', 'of all that is random in learning', wholeNumber, 1)
    .exitOverride()
    .parse([...args], { from: 'user' })
  const options = command.opts<{ history: string[]; replay: string[]; out: string; seed: number }>()
  const { why } = await chooseBackend(['native', 'wasm', 'cpu'], NATIVE_FOLDER)
  console.error(why)
  const card = evaluateCapacity(options)
  console.error(`learnt from ${JSON.stringify(card.samples)} hours; held out: ${JSON.stringify(card.heldOut)}`)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`--seed ${text} is no whole number`)
  return value
}
