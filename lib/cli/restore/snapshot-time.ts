/** When a snapshot was taken, and a restore asked for: it stands in front of its name. */

/** `2026-11-21 02:00:05` (UTC) of `20261121T020005123Z-…`; the name itself where it does not begin so. */
export function timeOfSnapshotId(id: string): string {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})\d{3}Z-/.exec(id)
  if (parts === null) return id
  const [, year, month, day, hour, minute, second] = parts
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`
}
