/** One MCP server for one serving unit: a request over HTTP, a connection over stdio. Nothing is kept between them. */
import { McpServer } from '@modelcontextprotocol/server'
import type { QueryClient } from '../queries/client.ts'
import { registerCompletions } from './completions.ts'
import { INSTRUCTIONS } from './instructions.ts'
import { registerPrompts } from './prompts.ts'
import { registerResources } from './resources.ts'
import { registerTools } from './tools.ts'

export interface McpServerDependencies {
  readonly name: string
  readonly version: string
  readonly environments: readonly string[]
  readonly client: QueryClient
  readonly mark: () => string
}

const HOUR_MS = 60 * 60 * 1000
/** Lists that are the same for everybody as long as the version is. */
const FIXED = { ttlMs: HOUR_MS, cacheScope: 'public' } as const
const INPUT_ELEMENTS_MAX = 500

export function createMcpServerFactory(dependencies: McpServerDependencies): () => McpServer {
  return () => {
    const server = new McpServer(
      { name: dependencies.name, version: dependencies.version, title: 'DevOps memory' },
      {
        instructions: INSTRUCTIONS,
        // Without sessions there is nobody to tell of a change.
        capabilities: {
          tools: { listChanged: false },
          resources: { listChanged: false },
          prompts: { listChanged: false },
        },
        cacheHints: { 'tools/list': FIXED, 'prompts/list': FIXED, 'resources/templates/list': FIXED },
        maxToolInputElements: INPUT_ELEMENTS_MAX,
      },
    )
    registerTools(server, dependencies)
    registerResources(server, dependencies)
    registerPrompts(server)
    registerCompletions(server, dependencies)
    return server
  }
}
