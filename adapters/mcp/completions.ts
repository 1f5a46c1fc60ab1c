/** Suggestions while a person types an argument of a prompt or of a resource's URI. */
import type { CompleteResult, McpServer } from '@modelcontextprotocol/server'
import type { QueryClient } from '../queries/client.ts'
import { QueryFailure } from '../queries/errors.ts'

export interface CompletionDependencies {
  readonly client: QueryClient
  readonly environments: readonly string[]
}

/** The protocol's own bound. */
const VALUES_MAX = 100

type Complete = (dependencies: CompletionDependencies, typed: string, signal: AbortSignal) => Promise<Values> | Values

interface Values {
  readonly values: readonly string[]
  readonly more: boolean
}

const NONE: Values = { values: [], more: false }

/** By the argument's name, which means the same wherever it stands. */
const COMPLETERS: ReadonlyMap<string, Complete> = new Map<string, Complete>([
  ['service', services],
  ['environment', environments],
  ['key', incidentKeys],
])

export function registerCompletions(server: McpServer, dependencies: CompletionDependencies): void {
  server.server.registerCapabilities({ completions: {} })
  server.server.setRequestHandler('completion/complete', async (request, context): Promise<CompleteResult> => {
    const { name, value } = request.params.argument
    const complete = COMPLETERS.get(name)
    const { values, more } =
      complete === undefined ? NONE : await suggest(complete, dependencies, value, context.mcpReq.signal)
    return { completion: { values: values.slice(0, VALUES_MAX), hasMore: more || values.length > VALUES_MAX } }
  })
}

/** Nobody who types should be stopped because a consumer is away: then there is just nothing to suggest. */
async function suggest(
  complete: Complete,
  dependencies: CompletionDependencies,
  typed: string,
  signal: AbortSignal,
): Promise<Values> {
  try {
    return await complete(dependencies, typed, signal)
  } catch (error) {
    if (error instanceof QueryFailure) return NONE
    throw error
  }
}

/** `checkout` means a service of any environment, mapped or not yet. */
async function services({ client, environments: known }: CompletionDependencies, typed: string, signal: AbortSignal) {
  const anywhere = known.flatMap((name) => [`${name}/${typed}`, `${name}/unassigned:${typed}`])
  const prefixes = typed === '' || typed.includes('/') ? [typed] : [typed, ...anywhere]
  const pages = await Promise.all(
    prefixes.map((prefix) => client.ask('list_services', { prefix, limit: VALUES_MAX }, signal)),
  )
  const values = [...new Set(pages.flatMap((page) => page.items.map((item) => item.service)))]
  return { values, more: pages.some((page) => page.nextCursor !== null) }
}

function environments({ environments: known }: CompletionDependencies, typed: string): Values {
  return { values: known.filter((name) => name.startsWith(typed.toLowerCase())), more: false }
}

/** The newest firing ones: nobody types a key by heart. */
async function incidentKeys({ client }: CompletionDependencies, typed: string, signal: AbortSignal) {
  const page = await client.ask('list_incidents', { state: 'firing', limit: VALUES_MAX }, signal)
  const values = page.items.map((item) => item.key).filter((key) => key.startsWith(typed))
  return { values, more: page.nextCursor !== null }
}
