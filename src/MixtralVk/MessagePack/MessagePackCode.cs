namespace MessagePack;

/// <summary>First bytes of values, from the MessagePack specification; ranges by their first and last.</summary>
internal static class MessagePackCode
{
    public const byte
        MaxFixInt = 0x7F,
        MinFixMap = 0x80, MaxFixMap = 0x8F, MinFixArray = 0x90, MaxFixArray = 0x9F, MinFixStr = 0xA0, MaxFixStr = 0xBF,
        Nil = 0xC0, NeverUsed = 0xC1, False = 0xC2, True = 0xC3,
        Bin8 = 0xC4, Bin16 = 0xC5, Bin32 = 0xC6, Ext8 = 0xC7, Ext16 = 0xC8, Ext32 = 0xC9,
        Float32 = 0xCA, Float64 = 0xCB,
        UInt8 = 0xCC, UInt16 = 0xCD, UInt32 = 0xCE, UInt64 = 0xCF, Int8 = 0xD0, Int16 = 0xD1, Int32 = 0xD2, Int64 = 0xD3,
        FixExt1 = 0xD4, FixExt2 = 0xD5, FixExt4 = 0xD6, FixExt8 = 0xD7, FixExt16 = 0xD8,
        Str8 = 0xD9, Str16 = 0xDA, Str32 = 0xDB, Array16 = 0xDC, Array32 = 0xDD, Map16 = 0xDE, Map32 = 0xDF,
        MinNegativeFixInt = 0xE0;

    public static MessagePackType ToMessagePackType(byte code) => code switch
    {
        <= MaxFixInt or >= MinNegativeFixInt or (>= UInt8 and <= Int64) => MessagePackType.Integer,
        <= MaxFixMap or Map16 or Map32 => MessagePackType.Map,
        <= MaxFixArray or Array16 or Array32 => MessagePackType.Array,
        <= MaxFixStr or (>= Str8 and <= Str32) => MessagePackType.String,
        Nil => MessagePackType.Nil,
        False or True => MessagePackType.Boolean,
        >= Bin8 and <= Bin32 => MessagePackType.Binary,
        Float32 or Float64 => MessagePackType.Float,
        (>= Ext8 and <= Ext32) or (>= FixExt1 and <= FixExt16) => MessagePackType.Extension,
        NeverUsed => MessagePackType.Unknown,
    };
}
