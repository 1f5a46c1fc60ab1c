/** One query from the command line. */
import type { Configuration } from '../../runtime/configuration/configuration.ts'
import { InvalidInput } from '../queries/errors.ts'
import { isQuery, QUERY_NAMES } from '../queries/inputs.ts'
import { queriesOf } from '../queries/open.ts'

/** Throws a QueryFailure. */
export async function runQuery(configuration: Configuration, name: string, json: string): Promise<object> {
  if (!isQuery(name)) throw new InvalidInput('name', `there is no query ${name}; known are ${QUERY_NAMES.join(', ')}`)
  let input: unknown
  try {
    input = JSON.parse(json)
  } catch {
    throw new InvalidInput('json', 'is not valid JSON')
  }
  const { client } = queriesOf(configuration, UNHEARD)
  return client.ask(name, input)
}

/** A command that lives for one question has nobody to be scraped by. */
export const UNHEARD = {
  ownerReplied: () => undefined,
  membershipLearnt: () => undefined,
}
