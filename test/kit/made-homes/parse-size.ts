/** `600M`, `2G`, `4096`: bytes, by powers of 1024. @throws with a sentence. */
export function parseSize(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/.exec(text) ?? []
  if (digits === undefined) throw new Error(`"${text}" is no size: write 600M, 2G or a number of bytes.`)
  return Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit)
}
