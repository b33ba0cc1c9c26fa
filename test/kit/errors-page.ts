/** docs/errors.md, made from the catalogue: `node test/kit/errors-page.ts > docs/errors.md`. */
import { errorCatalogue } from '../../lib/errors.ts'

const RETRY = { now: 'at once, with back-off', later: 'by the queue', never: 'a person must act' } as const

export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { message, remedy, retry }]) => `| \`${code}\` | ${message} | ${remedy} | ${RETRY[retry]} |`,
  )
  return `# Errors and causes

Every failure has a stable code, a sentence, and a remedy. The same codes stand in \`toriki status\`, in the alarm's JSON, in the log and in a snapshot's \`missing\`. A sentence may be
more precise than here when more is known. This page is made from \`lib/errors.ts\`.

| code | what it means | what to do | tried again |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

if (import.meta.main) process.stdout.write(errorsPage())
