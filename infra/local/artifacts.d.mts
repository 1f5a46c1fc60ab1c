export declare const kafkaVersion: string
export declare const registryVersion: string
interface FetchOptions {
  log?: (line: string) => void
  signal?: AbortSignal
}
/** Gives the folder with the broker's jars. */
export declare function fetchKafka(options?: FetchOptions): Promise<string>
/** Gives the path of the registry's runnable jar. */
export declare function fetchRegistry(options?: FetchOptions): Promise<string>
