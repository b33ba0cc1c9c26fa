/** The variables of the environment that the command line and functions may ask for, by name; beside the settings nobody else reads `process.env`. */
export function environment(
  name:
    | 'NO_COLOR'
    | 'FORCE_COLOR'
    | 'TERM'
    | 'COLUMNS'
    | 'TORIKI_SETTINGS'
    | 'TORIKI_LOG'
    | 'CI'
    | 'AWS_LAMBDA_FUNCTION_NAME',
): string | undefined {
  return process.env[name]
}
