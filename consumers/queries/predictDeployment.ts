import { askedShard } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'

export const predictDeployment: Query<'predict_deployment'> = (input, context) => {
  const view = askedShard(input.service, context)
  const { output, entry } = context.ask(input, view.door, context.now())
  context.keepAsked(entry)
  return { ...output, ...freshnessOf([view], context.isInTouch(), { kinds: ['rolling_scopes'], from: null }) }
}
