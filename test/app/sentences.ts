// What a mistake is answered with: `Name: sentence`, whether it is thrown or the promise is rejected.
export const answerTo = async (mistake: () => unknown): Promise<string> => {
  try {
    await mistake()
  } catch (error) {
    const { name, message } = error as Error
    return `${name}: ${message}`
  }
  return 'accepted'
}
