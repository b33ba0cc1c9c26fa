// Turns one TypeScript file into an ES module for jest; types are erased, never checked (that is `npm run typecheck`).
import { transformSync } from 'esbuild'

export default {
  process(source, file) {
    const result = transformSync(source, {
      loader: 'ts',
      format: 'esm',
      target: 'node24',
      sourcemap: 'external',
      sourcefile: file,
    })
    return { code: result.code, map: result.map }
  },
}
