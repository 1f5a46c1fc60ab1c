import type { ServerProcess } from './serverProcess.mjs'

export interface Broker extends ServerProcess {
  port: number
  brokers: string
}

export declare function startBroker(options: {
  folder: string
  jars: string
  port?: number
  logPath?: string
  signal?: AbortSignal
  onSpawn?: (pid: number) => void
}): Promise<Broker>
