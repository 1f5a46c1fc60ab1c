/** GitHub deliveries as GitHub would send them: real payload shapes with our ids, signed. */
import { sign } from '@octokit/webhooks-methods'

import { GITHUB_SECRET, type System } from './system.ts'

export interface Delivery {
  readonly event: string
  readonly payload: object
}

const repository = (name: string) => ({
  id: 4711,
  name: name.split('/')[1],
  full_name: name,
  default_branch: 'main',
  owner: { login: name.split('/')[0] },
})
const sender = { login: 'octocat', id: 1, type: 'User' }

export interface DeploymentOptions {
  readonly repository: string
  readonly id: number
  readonly environment?: string
  readonly sha?: string
  readonly at: number
}

const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')

export function deploymentCreated(options: DeploymentOptions): Delivery {
  return {
    event: 'deployment',
    payload: {
      action: 'created',
      deployment: deployment(options),
      repository: repository(options.repository),
      sender,
      workflow: null,
      workflow_run: null,
    },
  }
}

export function deploymentStatus(options: DeploymentOptions, state: string, statusId: number, at: number): Delivery {
  return {
    event: 'deployment_status',
    payload: {
      action: 'created',
      deployment_status: {
        id: statusId,
        state,
        creator: sender,
        description: '',
        environment: options.environment ?? 'production',
        target_url: '',
        created_at: iso(at),
        updated_at: iso(at),
        url: '',
        deployment_url: '',
        repository_url: '',
        node_id: 'x',
      },
      deployment: deployment(options),
      repository: repository(options.repository),
      sender,
      check_run: null,
      workflow: null,
      workflow_run: null,
    },
  }
}

function deployment(options: DeploymentOptions): object {
  return {
    id: options.id,
    node_id: 'x',
    sha: options.sha ?? 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
    ref: 'main',
    task: 'deploy',
    payload: {},
    original_environment: options.environment ?? 'production',
    environment: options.environment ?? 'production',
    description: null,
    creator: sender,
    created_at: iso(options.at),
    updated_at: iso(options.at),
    url: '',
    statuses_url: '',
    repository_url: '',
  }
}

export async function deliver(system: System, delivery: Delivery, id = crypto.randomUUID()): Promise<Response> {
  const body = JSON.stringify(delivery.payload)
  return system.post('/webhooks/github', body, {
    'x-github-event': delivery.event,
    'x-github-delivery': id,
    'x-hub-signature-256': await sign(GITHUB_SECRET, body),
  })
}
