import { type Level, type Logger, levels, pino } from 'pino'
import { ConfigError } from './config-error.ts'
import type { Environment } from './environment.ts'
import { createLogTarget } from './log-target.ts'

const causesMax = 5
const standardError = 2

/** JSON lines on standard error. */
export function createLog(level: Level, process: string): Logger {
  const lostLine = (lost: number) => {
    const time = new Date().toISOString()
    const line = { level: 'warn', time, process, lost, msg: 'lines of this log could not be written' }
    return `${JSON.stringify(line)}\n`
  }
  return pino(
    {
      level,
      base: { process },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    createLogTarget(standardError, lostLine),
  )
}

/** Errors: ConfigError. */
export function parseLevel(environment: Environment, otherwise: Level): Level {
  const found = environment.find('logLevel')
  if (found === undefined) return otherwise
  const level = (Object.keys(levels.values) as Level[]).find((name) => name === found.value)
  if (level === undefined)
    throw new ConfigError(`${found.name} must be one of ${Object.keys(levels.values).join(', ')}`)
  return level
}

/** What of an error may be logged: no property but these, whatever a library has hung on it. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = 'code' in error && ['string', 'number'].includes(typeof error.code) ? error.code : undefined
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(depth === 0 && { stack: error.stack }),
    ...(error.cause !== undefined && depth < causesMax && { cause: describeError(error.cause, depth + 1) }),
  }
}
