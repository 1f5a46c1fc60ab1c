/** Posts events as a fleet of senders does: over a bounded number of connections, which a gateway limits. */
import { Agent, request } from 'node:http'

const CONNECTIONS_MAX = 256

export interface EventSender {
  /** The status; waiting for a connection is part of the time. */
  post(body: string): Promise<number>
  close(): void
}

export function createEventSender(gatewayUrl: string): EventSender {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX })
  const headers = { 'content-type': 'application/json' }
  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        const sent = request(`${gatewayUrl}/v1/events`, { agent, method: 'POST', headers }, (answer) => {
          answer.resume()
          answer.once('end', () => {
            resolve(answer.statusCode ?? 0)
          })
        })
        sent.once('error', reject)
        sent.end(body)
      }),
    close() {
      agent.destroy()
    },
  }
}
