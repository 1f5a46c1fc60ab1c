import { join } from 'node:path'

/** The java that JAVA_HOME names, else the one on the PATH. */
export const javaCommand = (env = process.env) => (env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java')
