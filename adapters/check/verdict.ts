/** May the pipeline go on? Pure. */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { percent } from '../figures.ts'

export type Prediction = QueryOutput<'predict_deployment'>
export type Scorecard = QueryOutput<'get_scorecard'>

/** As --help and README.md tell them. */
export const EXIT = { pass: 0, risk: 1, usage: 2, noAnswer: 3, notPosted: 4 } as const

export type Choice = 'pass' | 'fail'

export interface Gate {
  /** Probability of failure above which it stays shut, 0 to 1. */
  readonly failAbove: number
  readonly onNoEvidence: Choice
  readonly onUnavailable: Choice
}

export interface Verdict {
  readonly verdict: 'pass' | 'risk' | 'no_evidence' | 'no_answer'
  readonly exitCode: number
  /** Null without an answer. */
  readonly pFailure: number | null
  /** What was decided and why, in one sentence. */
  readonly sentence: string
}

export function verdictOn(prediction: Prediction, { failAbove, onNoEvidence }: Gate): Verdict {
  const pFailure = failureOf(prediction)
  const told = percent(pFailure)
  if (prediction.answerClass === 'not_enough_evidence') {
    const opens = onNoEvidence === 'pass'
    return {
      verdict: 'no_evidence',
      exitCode: opens ? EXIT.pass : EXIT.risk,
      pFailure,
      sentence: `${opens ? 'Passed' : 'Stopped'} without a judgement: there is not enough evidence (the guess is ${told}).`,
    }
  }
  const isAbove = pFailure > failAbove
  return {
    verdict: isAbove ? 'risk' : 'pass',
    exitCode: isAbove ? EXIT.risk : EXIT.pass,
    pFailure,
    sentence: `${isAbove ? 'Stopped' : 'Passed'}: it fails with a probability of ${told}, ${isAbove ? 'above' : 'within'} the limit of ${percent(failAbove)}.`,
  }
}

export function verdictWithout({ onUnavailable }: Pick<Gate, 'onUnavailable'>): Verdict {
  const opens = onUnavailable === 'pass'
  return {
    verdict: 'no_answer',
    exitCode: opens ? EXIT.pass : EXIT.noAnswer,
    pFailure: null,
    sentence: `${opens ? 'Passed' : 'Stopped'} without an answer.`,
  }
}

/** 1 − 0.7 is above 0.3 in binary fractions: what nobody could have meant is rounded off. */
export const failureOf = ({ pSuccess }: Pick<Prediction, 'pSuccess'>): number => Number((1 - pSuccess).toFixed(9))
