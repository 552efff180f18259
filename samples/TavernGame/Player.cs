namespace TavernGame;

/// <summary>Something that a guest sells, and its price in gold.</summary>
internal sealed record Ware(string Name, int Price);

/// <summary>What the player has; the game's own part of a save.</summary>
internal sealed class Player
{
    public int Gold { get; set; } = 500;

    public List<string> Things { get; set; } = [];

    /// <summary>Pays for a ware and takes it; false when the gold does not reach.</summary>
    public bool TryBuy(Ware ware)
    {
        if (Gold < ware.Price) return false;
        Gold -= ware.Price;
        Things.Add(ware.Name);
        return true;
    }
}
