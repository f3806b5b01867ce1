// Three beats of one app under what befalls hosts: each tick runs once, and another fires soon.
import { type FaultCase, range, type Scene, type Size } from '../support/scene.js'
import { type Member, Team } from '../support/team.js'

interface Blow {
  readonly name: string
  readonly title: string
  /** To a team that fires; when it resolves, it fires again. */
  readonly strike: (team: Team) => Promise<void>
}

/** Another fires; the answer is after how many seconds. */
const succeeded = async (team: Team, leader: Member): Promise<number> => {
  const from = performance.now()
  await team.leader(leader)
  await team.progress()
  return (performance.now() - from) / 1000
}

const killed: Blow = {
  name: 'killed',
  title: 'SIGKILL of the beat that fires, another one is started',
  strike: async (team) => {
    const leader = await team.leader()
    leader.beat.signal('SIGKILL')
    await succeeded(team, leader)
    team.members.splice(team.members.indexOf(leader), 1)
    await team.join()
  },
}

const frozen: Blow = {
  name: 'frozen',
  title: 'SIGSTOP of the beat that fires until another does, then SIGCONT',
  strike: async (team) => {
    const leader = await team.leader()
    leader.beat.signal('SIGSTOP')
    await succeeded(team, leader)
    leader.beat.signal('SIGCONT')
    await team.yields(leader)
  },
}

const parted: Blow = {
  name: 'parted',
  title: 'the network parts the beat that fires from Redis until another does, and is whole again',
  strike: async (team) => {
    const leader = await team.leader()
    leader.wire.part()
    await succeeded(team, leader)
    leader.wire.heal()
    await team.yields(leader)
    await leader.beat.line(/beat: The broker is back/)
  },
}

const jumping: Blow = {
  name: 'jumping',
  title: 'the clock of the host that fires jumps an hour ahead, then an hour behind, and back',
  strike: async (team) => {
    const leader = await team.leader()
    for (const offMs of [3_600_000, -3_600_000, 0]) {
      leader.beat.signal('SIGUSR2')
      await leader.beat.line(new RegExp(`^the clock of this host is off by ${offMs} ms`))
      await team.progress()
    }
  },
}

const restarted: Blow = {
  name: 'restarted',
  title: 'SIGKILL of Redis (AOF, appendfsync always), started again',
  strike: async ({ scene }) => scene.redis.restart({ hard: true }),
}

const redis = ['--appendonly', 'yes', '--appendfsync', 'always']

/** Seconds; so the promise. */
const longestSilence = 12

const judge = async (scene: Scene, teams: readonly Team[], size: Size): Promise<void> => {
  await Promise.all(teams.map((team) => team.stop()))
  await scene.quiet()
  for (const team of teams) {
    team.judge()
    if (size === 'full')
      scene.report.must(
        `${team.name}: fires again within ${longestSilence} s`,
        team.silence <= longestSilence,
      )
  }
  await scene.settle()
}

const caseOf = ({ name, title, strike }: Blow): FaultCase => ({
  name: `beat-${name}`,
  title: `three beats: ${title}`,
  redis,
  play: async (scene, size) => {
    await scene.worker()
    const team = await Team.open(scene, name)
    const rounds = size === 'full' ? 3 : 1
    for (const _ of range(rounds)) {
      await strike(team)
      await team.progress()
    }
    scene.report.inject(`${rounds} × ${title}`)
    await judge(scene, [team], size)
  },
})

/** One team for each fault; a round of full size lasts about 25 s. */
export const beats: readonly FaultCase[] = [killed, frozen, parted, jumping, restarted].map(caseOf)

/** The same, once and side by side, on one Redis, which is restarted at last. */
export const beatsTogether: FaultCase = {
  name: 'beats',
  title:
    'teams of three beats, one killed, one frozen, one parted, one with a clock that jumps; then Redis restarted',
  redis,
  play: async (scene, size) => {
    await scene.worker()
    const blows = [killed, frozen, parted, jumping]
    const teams = await Promise.all(blows.map(({ name }) => Team.open(scene, name)))
    await Promise.all(blows.map(({ strike }, index) => strike(teams[index]!)))
    await restarted.strike(teams[0]!)
    await Promise.all(teams.map((team) => team.progress()))
    for (const { title } of [...blows, restarted]) scene.report.inject(title)
    await judge(scene, teams, size)
  },
}
