import { Command } from 'commander'
import { evaluatePatterns } from './patterns.ts'

interface Options {
  readonly history: readonly string[]
  readonly replay?: readonly string[]
  readonly out: string
}

/** `evaluate patterns`: mines earlier runs; later ones, which it never sees, test what it found. */
export const patternsCommand = (): Command =>
  new Command('patterns')
    .description('failure patterns of CI runs, for later runs to test, as JSON Lines')
    .requiredOption('--history <file...>', 'CSV (.gz) of earlier runs with their outcomes')
    .option('--replay <file...>', 'the same runs again: nothing more is read from them')
    .requiredOption('--out <file>', 'where the patterns go')
    .action((options: Options) => {
      const patterns = evaluatePatterns(options)
      const expected = patterns.reduce((sum, { chance }) => sum + chance, 0)
      console.error(
        `${patterns.length} patterns; by their own chances ${expected.toFixed(1)} of them will be confirmed`,
      )
    })
