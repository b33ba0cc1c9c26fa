/** Into a list in the order of a walk, where each has its place from the home down. */
export function insertRanked<T>(list: T[], one: T, positionOf: (one: T) => readonly number[]): void {
  const position = positionOf(one)
  let at = list.length
  while (at > 0 && compare(positionOf(list[at - 1] as T), position) > 0) at--
  if (list[at - 1] !== one) list.splice(at, 0, one)
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = (a[at] as number) - (b[at] as number)
    if (order !== 0) return order
  }
  return a.length - b.length
}
