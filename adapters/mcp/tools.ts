/** The tools: read-only queries, each with its schemas. */
import type { CallToolResult, McpServer } from '@modelcontextprotocol/server'
import { QUERIES, type QueryName } from '../../schemas/queries/queries.ts'
import type { QueryClient } from '../queries/client.ts'
import { QueryFailure } from '../queries/errors.ts'
import { inputSchema } from '../queries/inputs.ts'
import { answerText } from './answerText.ts'
import { clean, cleanDeep } from './fence.ts'
import { listedSchema } from './listedSchema.ts'

/** list_services serves completions and resources: a model finds services there, or by the other lists. count_scores serves get_scorecard, list_outcomes the trainer. */
export const TOOL_NAMES = [
  'predict_deployment',
  'list_deployments',
  'get_service',
  'list_incidents',
  'get_incident',
  'forecast_capacity',
  'query_metrics',
  'get_scorecard',
  'find_patterns',
  'best_window',
  'list_unmapped',
  'get_memory',
  'get_health',
] as const satisfies readonly QueryName[]

// Converted once: with stateless serving a server is made for each request.
const SCHEMAS = new Map(
  TOOL_NAMES.map((name) => [
    name,
    { input: listedSchema(inputSchema(name), 'input'), output: listedSchema(QUERIES[name].output, 'output') },
  ]),
)

export interface ToolDependencies {
  readonly client: QueryClient
  /** Draws the mark of a fence. */
  readonly mark: () => string
}

export function registerTools(server: McpServer, { client, mark }: ToolDependencies): void {
  for (const [name, { input, output }] of SCHEMAS) {
    server.registerTool(
      name,
      {
        title: QUERIES[name].title,
        description: QUERIES[name].description,
        inputSchema: input,
        outputSchema: output,
        // The other two hints have a meaning only for tools that write.
        annotations: { readOnlyHint: true, openWorldHint: false },
      },
      async (args, context): Promise<CallToolResult> => {
        try {
          const answer = await client.ask(name, args, context.mcpReq.signal)
          const text = answerText(name, answer, mark())
          return { content: [{ type: 'text', text }], structuredContent: { ...cleanDeep(answer) } }
        } catch (error) {
          return { content: [{ type: 'text', text: failureText(error) }], isError: true }
        }
      },
    )
  }
}

export function failureText(error: unknown): string {
  if (!(error instanceof QueryFailure)) return 'internal: the adapter met a defect; its log tells more'
  return `${error.code}: ${clean(error.message, 1_000)}${error.retryable ? ' (asking again later may help)' : ''}`
}
