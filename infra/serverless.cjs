// Lets serverless.yml read TypeScript: osls takes a function from a .cjs file and gives it no other way in. Read once, however often it is asked for.
let values

module.exports = () => (values ??= read())

async function read() {
  const { sentenceOf, serverlessValues } = await import('./serverless-values.ts')
  try {
    return serverlessValues()
  } catch (error) {
    const sentence = new Error(sentenceOf(error))
    // osls shows the stack; the sentence says all there is to say.
    sentence.stack = sentence.message
    throw sentence
  }
}
