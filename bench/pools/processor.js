// BullMQ runs this in a process of its own.
export default async () => null
