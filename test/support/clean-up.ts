// A setup file of every suite: what a test file started ends with it.
import { afterAll } from 'vitest'
import { stopAll } from './processes.js'

afterAll(stopAll)
