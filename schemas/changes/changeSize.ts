/** ChangeSize as people and programs send it: what is left out is not known. */
import * as z from 'zod'
import type { ChangeSize } from '../generated/events.ts'

const count = z.int().min(0).max(0x7fffffff).nullable().default(null)
const flag = z.boolean().nullable().default(null)

export const changeSize = z.strictObject({
  filesAdded: count,
  filesDeleted: count,
  filesModified: count,
  linesAdded: count,
  linesDeleted: count,
  srcFiles: count,
  docFiles: count,
  otherFiles: count,
  dockerfileChanged: flag,
  composeChanged: flag,
  fileTypes: z
    .string()
    .max(1024)
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
    .nullable()
    .default(null),
})

/** A change of which nothing is known. */
export const UNKNOWN_CHANGE: ChangeSize = changeSize.parse({})
