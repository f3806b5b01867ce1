// One run of one case, from an empty Redis to its report.
import type { Report } from './report.js'
import { type FaultCase, Scene, type Size } from './scene.js'

export const play = async (fault: FaultCase, size: Size, seed: number): Promise<Report> => {
  const scene = await Scene.open(seed, fault.redis)
  try {
    await fault.play(scene, size)
    return scene.report
  } catch (error) {
    scene.report.must(
      `the case could be played: ${error instanceof Error ? error.stack : String(error)}`,
      false,
    )
    return scene.report
  } finally {
    await scene.close()
  }
}
