/** Every kind that can be written, by name. The order of making them is that of the reader's kinds. */
import { personWriter } from './person.ts'
import type { KindWriter } from './work.ts'

const writers: readonly KindWriter[] = [personWriter]

export const kindWriters: ReadonlyMap<string, KindWriter> = new Map(writers.map((writer) => [writer.kind, writer]))
