/** Two questions that people ask again and again, as prompts. */
import type { GetPromptResult, McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { clean } from './fence.ts'

const readiness = z.object({
  service: z.string().min(1).max(256).describe('<environment>/<name>'),
  branch: z.string().max(256).optional(),
})
const investigation = z.object({
  key: z.string().max(512).optional().describe('Incident; the newest firing one if absent'),
  service: z.string().max(256).optional().describe('Service of the incident, where several have the key'),
  environment: z.string().max(64).optional(),
})

export function registerPrompts(server: McpServer): void {
  server.registerPrompt(
    'deploy_readiness',
    {
      title: 'Is it safe to deploy now?',
      description: 'Weighs prediction, history and incidents',
      argsSchema: readiness,
    },
    (given) => userMessage(readinessText(given)),
  )
  server.registerPrompt(
    'investigate_incident',
    {
      title: 'What broke, and why?',
      description: 'Follows an incident to what came before',
      argsSchema: investigation,
    },
    (given) => userMessage(investigationText(given)),
  )
}

function readinessText({ service, branch }: z.output<typeof readiness>): string {
  const environment = service.split('/', 1)[0] ?? service
  return `Is it safe to deploy ${quoted(service)} now${branch === undefined ? '' : ` from branch ${quoted(branch)}`}?

1. predict_deployment for the service${branch === undefined ? '' : ' and the branch'}.
2. get_service: its last outcomes and open incidents.
3. list_incidents with environment ${quoted(environment)} and state firing: is something else on fire?
4. list_deployments with environment ${quoted(environment)} and state started: what is in flight?

Answer with go, wait or no-go first, then the probability with its answer class and the evidence for and against. \
With not_enough_evidence say that the figure is only a base rate. If an answer is not complete, say what is missing.`
}

function investigationText({ key, service, environment }: z.output<typeof investigation>): string {
  const where = environment === undefined ? '' : ` with environment ${quoted(environment)}`
  const first =
    key === undefined
      ? `list_incidents with state firing${where}; take the newest, then get_incident.`
      : `get_incident with key ${quoted(key)}${service === undefined ? '' : ` and service ${quoted(service)}`}.`
  return `What broke, and what may have led to it?

1. ${first}
2. list_deployments of its service and of its environment in the two hours before it began.
3. list_incidents of the environment around that time: what began with it?
4. query_metrics of the service around that time, for the metric the alert is about.

Tell first what is known, then what came before it, nearest first, each as an association with its time distance, \
then what would tell the candidates apart. Name no cause that the data does not show.`
}

/** An argument may be filled from outside (a completion): shown as one quoted line. */
function quoted(text: string): string {
  return JSON.stringify(clean(text, 512))
}

function userMessage(text: string): GetPromptResult {
  return { messages: [{ role: 'user', content: { type: 'text', text } }] }
}
