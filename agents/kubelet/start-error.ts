// Why a container could not be started, in the words its waiting state shows.

export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
