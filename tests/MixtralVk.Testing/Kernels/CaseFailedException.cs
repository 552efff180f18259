namespace MixtralVk.Testing.Kernels;

/// <summary>A kernel case gave something else than the reference, or wrote where it must not.</summary>
internal sealed class CaseFailedException(string message) : Exception(message);
