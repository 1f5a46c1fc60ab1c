export interface Wanted {
  what: string
  packages: string[]
  has(env: NodeJS.ProcessEnv): boolean
}

export declare const forMemoryBench: readonly Wanted[]
export declare function whyNoPackages(): string | null
export declare function installLackingPackages(options: {
  say: (line: string) => void
  signal?: AbortSignal
  wanted?: readonly Wanted[]
}): Promise<void>
