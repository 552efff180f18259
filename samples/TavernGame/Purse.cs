namespace TavernGame;

/// <summary>Something that a guest sells, and its price in gold.</summary>
internal sealed record Ware(string Name, int Price);

/// <summary>What somebody in the tavern has, the player or a guest; the game's own part of a save.</summary>
internal sealed class Purse
{
    public int Gold { get; set; } = 500;

    public List<string> Things { get; set; } = [];

    /// <summary>Pays the seller for a ware and takes it; false when the gold does not reach.</summary>
    public bool TryBuy(Ware ware, Purse seller)
    {
        if (Gold < ware.Price) return false;
        Gold -= ware.Price;
        seller.Gold += ware.Price;
        Things.Add(ware.Name);
        return true;
    }
}
