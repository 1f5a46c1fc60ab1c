import { createServer } from 'node:net'

/** A port of the loopback address that nothing listens on now. */
export async function freePort() {
  const server = createServer()
  await listening(server, 0)
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Null when the port can be listened on, else the reason (EADDRINUSE, EACCES, …). */
export async function whyTaken(host, port) {
  const server = createServer()
  try {
    await listening(server, port, host)
  } catch (error) {
    return error.code ?? error.message
  }
  await new Promise((resolve) => server.close(resolve))
  return null
}

function listening(server, port, host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, resolve)
  })
}
