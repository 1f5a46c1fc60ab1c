export declare function freePort(): Promise<number>
export declare function whyTaken(host: string, port: number): Promise<string | null>
