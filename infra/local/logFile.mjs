import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const logBytesMax = 20 * 1024 * 1024

/** Sets a file of an earlier start aside as `<path>.1`, where one is kept. */
export function setLogAside(path) {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) renameSync(path, `${path}.1`)
}

/** Appends lines to a file; when it grows too large it is set aside. */
export function openLogFile(path, bytesMax = logBytesMax) {
  mkdirSync(dirname(path), { recursive: true })
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  let file = openSync(path, 'a')
  let failing = false

  return {
    path,
    write(line) {
      const text = `${line}\n`
      bytes += Buffer.byteLength(text)
      try {
        if (bytes > bytesMax) {
          closeSync(file)
          setLogAside(path)
          file = openSync(path, 'a')
          bytes = Buffer.byteLength(text)
        }
        writeSync(file, text)
        failing = false
      } catch (error) {
        // A full disk must not end what is being logged; one line says so until it works again.
        if (!failing) process.stderr.write(`can't write ${path}: ${error.message}\n`)
        failing = true
      }
    },
    close: () => closeSync(file),
  }
}
