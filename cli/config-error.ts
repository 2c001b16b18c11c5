/** A mistake in the configuration: ends the program with status 2. Its message names the variable, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
