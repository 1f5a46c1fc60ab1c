import { Command } from 'commander'

import { chooseBackend } from '../consumers/models/backend.ts'
import { evaluateCapacity } from './capacity.ts'
import { wholeNumber } from './wholeNumber.ts'

const NATIVE_FOLDER = '.native/tfjs-node'

interface Options {
  readonly history: readonly string[]
  readonly replay: readonly string[]
  readonly out: string
  readonly seed: number
}

/** `evaluate capacity`: learns a forecaster, then forecasts every judged day of the replayed series. */
export const capacityCommand = (): Command =>
  new Command('capacity')
    .description('24-hour forecasts of hourly means, as JSON Lines')
    .option('--history <path...>', 'earlier parts of the series: CSV files (.gz) or folders', [])
    .requiredOption('--replay <path...>', 'later parts; the last days of each series are forecast')
    .requiredOption('--out <file>', 'where the forecasts go')
    .option('--seed <number>', 'of all that is random in learning', wholeNumber, 1)
    .action(async (options: Options) => {
      const { why } = await chooseBackend(['native', 'wasm', 'cpu'], NATIVE_FOLDER)
      console.error(why)
      const card = evaluateCapacity(options)
      console.error(`learnt from ${JSON.stringify(card.samples)} hours; held out: ${JSON.stringify(card.heldOut)}`)
    })
