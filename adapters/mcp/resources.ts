/** Services and incidents as resources: firing incidents and the services by name in the list, anything known by its URI. */
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  ResourceTemplate,
  type ListResourcesResult,
  type McpServer,
  type ReadResourceResult,
  type Resource,
} from '@modelcontextprotocol/server'
import type { QueryClient } from '../queries/client.ts'
import { InvalidInput, NotFound } from '../queries/errors.ts'
import { answerText } from './answerText.ts'
import { clean, fence } from './fence.ts'
import { failureText } from './tools.ts'
import { decodePart, incidentUri, INCIDENT_TEMPLATE, serviceUri, SERVICE_TEMPLATE } from './uris.ts'

export interface ResourceDependencies {
  readonly client: QueryClient
  readonly mark: () => string
}

const INCIDENTS_LISTED_MAX = 10
const SERVICES_PER_PAGE = 15
const MIME_TYPE = 'text/plain'

export function registerResources(server: McpServer, dependencies: ResourceDependencies): void {
  server.registerResource(
    'service',
    new ResourceTemplate(SERVICE_TEMPLATE, { list: undefined }),
    { title: 'Service', description: 'Counts, recent deployments, open incidents', mimeType: MIME_TYPE },
    (uri, variables, context) =>
      read(dependencies, uri, 'get_service', { service: decodePart(variables['service']) }, context.mcpReq.signal),
  )
  server.registerResource(
    'incident',
    new ResourceTemplate(INCIDENT_TEMPLATE, { list: undefined }),
    { title: 'Incident', description: 'Texts, labels, times, deployments before it', mimeType: MIME_TYPE },
    (uri, variables, context) =>
      read(
        dependencies,
        uri,
        'get_incident',
        { service: decodePart(variables['service']), key: decodePart(variables['key']) },
        context.mcpReq.signal,
      ),
  )
  // The library's own list has no pages.
  server.server.setRequestHandler('resources/list', (request, context) =>
    list(dependencies.client, request.params?.cursor, context.mcpReq.signal),
  )
}

/** The first page begins with what is firing; the cursor is that of the services. */
async function list(
  client: QueryClient,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<ListResourcesResult> {
  try {
    const [services, incidents] = await Promise.all([
      client.ask('list_services', { limit: SERVICES_PER_PAGE, cursor }, signal),
      cursor === undefined
        ? client.ask('list_incidents', { state: 'firing', limit: INCIDENTS_LISTED_MAX }, signal)
        : { items: [] },
    ])
    const resources: Resource[] = [
      ...incidents.items.map(({ service, key, title }) =>
        resource(incidentUri(service, key), `Incident: ${clean(title, 80)}`),
      ),
      ...services.items.map(({ service }) => resource(serviceUri(service), clean(service, 256))),
    ]
    return { resources, ...(services.nextCursor === null ? {} : { nextCursor: services.nextCursor }) }
  } catch (error) {
    throw protocolError(error)
  }
}

function resource(uri: string, name: string): Resource {
  return { uri, name, mimeType: MIME_TYPE }
}

async function read(
  { client, mark }: ResourceDependencies,
  uri: URL,
  name: 'get_service' | 'get_incident',
  input: object,
  signal: AbortSignal,
): Promise<ReadResourceResult> {
  try {
    const answer = await client.ask(name, input, signal)
    const drawn = mark()
    const whole = fence('the whole answer as JSON', [JSON.stringify(answer, null, 1)], drawn)
    return { contents: [{ uri: uri.href, mimeType: MIME_TYPE, text: `${answerText(name, answer, drawn)}\n${whole}` }] }
  } catch (error) {
    throw error instanceof NotFound ? new ResourceNotFoundError(uri.href) : protocolError(error)
  }
}

/** Resources have no error of their own beside the protocol's. */
function protocolError(error: unknown): ProtocolError {
  const code = error instanceof InvalidInput ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError
  return new ProtocolError(code, failureText(error))
}
