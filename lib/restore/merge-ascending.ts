/** Two ascending streams as one. Holds one of each. */
export async function* mergeAscending<T>(
  one: AsyncIterable<T>,
  other: AsyncIterable<T>,
  compare: (a: T, b: T) => number,
): AsyncGenerator<T> {
  const [left, right] = [one[Symbol.asyncIterator](), other[Symbol.asyncIterator]()]
  try {
    let [a, b] = [await left.next(), await right.next()]
    while (a.done !== true || b.done !== true) {
      if (b.done === true || (a.done !== true && compare(a.value, b.value) <= 0)) {
        yield a.value as T
        a = await left.next()
      } else {
        yield b.value
        b = await right.next()
      }
    }
  } finally {
    await left.return?.()
    await right.return?.()
  }
}
