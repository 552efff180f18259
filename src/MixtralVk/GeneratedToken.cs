namespace MixtralVk;

/// <summary>A token the model chose.</summary>
/// <param name="Id">The token; the one that ends a text is reported too.</param>
/// <param name="Text">
/// Text that became certain with it: never a part of a character, and empty while a character or a possible stop string is incomplete.
/// </param>
public readonly record struct GeneratedToken(int Id, string Text);
