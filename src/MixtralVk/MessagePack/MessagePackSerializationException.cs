namespace MessagePack;

/// <summary>Bytes that are not the value that was asked for.</summary>
internal sealed class MessagePackSerializationException(string message) : Exception(message);
