// Hands osls the functions' zips, made as the tests make them (infra/package-functions.ts), in place of its own bundling.
const { join } = require('node:path')

class FunctionPackages {
  constructor(serverless, _options, { log }) {
    const make = async () => {
      const { packageFunctions } = await import('./package-functions.ts')
      const { loadPlan } = await import('./plan.ts')
      // Where osls keeps its own; with --package it moves the whole folder.
      const folder = join(serverless.serviceDir, '.serverless')
      const plan = loadPlan()
      const { zips, withoutNative } = await packageFunctions(folder, { packaged: plan.packaged, fetch: true })
      for (const name of serverless.service.getAllFunctions())
        serverless.service.getFunction(name).package = { individually: true, artifact: zips.get(name) }
      const needed = { arm64: 'arm64', x86_64: 'x64' }[plan.aws.architecture]
      if (withoutNative.includes(needed))
        log.warning(
          `koffi for ${needed} is not here and npm could not fetch it: the functions will read files by Node's own calls, and every snapshot's notes will say what that leaves out. ` +
            'Package once with network, or run `node infra/native-binaries.ts`.',
        )
    }
    this.hooks = {
      'before:package:createDeploymentArtifacts': make,
      'before:package:function:package': make,
    }
  }
}

module.exports = FunctionPackages
