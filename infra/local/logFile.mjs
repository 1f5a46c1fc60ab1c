import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const logBytesMax = 20 * 1024 * 1024

/** Appends lines to a file. The file of the last start, and one that grew too large, is kept once as `<path>.1`. */
export function openLogFile(path, bytesMax = logBytesMax) {
  mkdirSync(dirname(path), { recursive: true })
  let bytes = 0
  let file = fresh()
  let failing = false

  function fresh() {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) renameSync(path, `${path}.1`)
    bytes = 0
    return openSync(path, 'a')
  }

  return {
    path,
    write(line) {
      const text = `${line}\n`
      bytes += Buffer.byteLength(text)
      try {
        if (bytes > bytesMax) {
          closeSync(file)
          file = fresh()
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
