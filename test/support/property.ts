/** How often a property is tried: `SLOW=1` looks harder. */
export const propertyRuns = { numRuns: process.env.SLOW === '1' ? 1000 : 20 } as const
