import { makeFolder } from '../kit/servers/owned-process.ts'

/** A folder in `data` that goes when this process ends, Ctrl-C included; or with `removeFolder`. Servers that are started afterwards keep their things in `data`, too. */
export function scratchIn(data: string): string {
  process.env['TMPDIR'] = data
  return makeFolder('bench')
}
